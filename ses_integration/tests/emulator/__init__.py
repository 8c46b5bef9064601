"""The emulated AWS answers as AWS does (docs/architecture/ses.md)."""
