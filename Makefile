# Thin wrappers over scripts/dev.py, which also runs by itself. Arguments: make test ARGS="-k wilcoxon"
PYTHON ?= python3
ARGS ?=

.PHONY: demo test lint bench explain-demo
demo test lint bench explain-demo:
	@$(PYTHON) scripts/dev.py $@ $(ARGS)
