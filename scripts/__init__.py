"""Commands for whoever works on the project. They need Python alone: what else they need, they install in .venv."""
