# Thin wrappers over scripts/dev.py, which also runs by itself. Arguments: make test ARGS="-k wilcoxon"
PYTHON ?= python3
ARGS ?=

.PHONY: help demo test lint build bench explain-demo
help demo test lint build bench explain-demo:
	@$(PYTHON) scripts/dev.py $@ $(ARGS)
