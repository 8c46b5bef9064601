"""From a notification, or an object in the bucket, to rows."""
