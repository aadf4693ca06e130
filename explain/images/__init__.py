"""From files to radiographs: read PNG, JPEG and DICOM, check them, and give display pixels and model input.

May not live here: torch, and anything that draws. Everything is NumPy and Pillow; only these modules read image files.
"""
