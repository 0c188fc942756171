"""One file for each analyzer; `app` registers them."""
