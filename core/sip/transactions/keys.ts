/** How messages are matched to transactions (RFC 3261 17.1.3 and 17.2.3). */
