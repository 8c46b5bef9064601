"""Many clients at the same time: few calls to SES, true answers, and no domain keeps the others waiting."""
