"""Tables, calendars, scaling and windows."""
