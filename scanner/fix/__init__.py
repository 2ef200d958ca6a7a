"""Mending templates in place: from findings to edits of the text, each proven by scanning again."""
