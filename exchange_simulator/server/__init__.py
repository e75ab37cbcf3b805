"""The exchange over the wire: REST, WebSocket streams, WebSocket API, limits and faults on demand."""
