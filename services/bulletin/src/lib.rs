//! Bulletins, posting tasks, deliveries, channels, receipts.
