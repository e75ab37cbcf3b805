"""The exchange's engine: book, matching, filters, balances, fees, oracle and journal. No I/O, no asyncio."""
