"""A file a verb: parse, configure, one call, a frozen result for the console."""
