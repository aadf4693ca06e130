"""What several apps need and none owns: functions without tables, pages or knowledge of studies.

May not live here: anything that imports an app of this project.
"""
