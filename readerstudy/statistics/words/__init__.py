"""What results mean, in words: sentences of the report and its cautions. How a number is written: wording.py above."""
