"""Stock of perishable goods: lots, orders, transfers, reordering."""
