"""What the pages of deletions show and do, without the pages themselves."""
