"""Images of digits: found, fetched, read, checked, warped."""
