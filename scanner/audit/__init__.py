"""The live account as a source: what is there is read over AWS's API and judged like a template."""
