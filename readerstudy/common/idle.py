"""When a reader is taken to be elsewhere."""

# A reader who touches nothing for longer is taken to be elsewhere (on the telephone): what is beyond is idle time.
IDLE_AFTER_S = 60
