"""A module an item or a family of items: from what was measured to claims with verdicts, figures and tables."""
