"""What the report says, as data and words: its tables, its text, its part on readers and cases (MRMC)."""
