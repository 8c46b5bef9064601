"""What commands share: questions before a change (`asking`), and progress and JSON (`output`). Commands of all apps import it."""
