"""The pure planner, with examples and with generated inputs."""
