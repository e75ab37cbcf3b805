"""From the exchange's values to Binance's JSON: the one place, for REST, streams and the WebSocket API alike.

Field names are those of rest-api.md, web-socket-streams.md and user-data-stream.md. Amounts are decimal text with eight
places, times are milliseconds.
"""
