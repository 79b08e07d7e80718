"""Reading and writing at places: `x[…]`, gather and scatter, masks, places in sorted sequences."""
