"""What all admin pages share: deletions, forms, links and wording."""
