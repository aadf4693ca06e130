"""The pages: one module a page or a family of them. May not live here: rules, which the app's other modules hold."""
