"""One operation on many messages: asked for once, done in short steps, undone as exactly."""
