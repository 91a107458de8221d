"""From a sweep file to trained trials in the store: grid, keys, bytes, workers."""
