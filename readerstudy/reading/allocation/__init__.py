"""Which reader reads what with which method and when: drawn once, seeded, stored. May not live here: pages."""
