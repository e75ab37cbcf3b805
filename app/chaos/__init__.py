"""The crash suite, `keel chaos`: the real bot is killed while its exchange misbehaves; then ledgers are compared."""
