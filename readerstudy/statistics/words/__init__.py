"""What results mean, in words: sentences of the report, its cautions, and how numbers are written."""
