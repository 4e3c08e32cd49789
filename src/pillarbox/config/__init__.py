"""Settings: TOML in, frozen structs out, every setting with its unit and reason."""
