"""How it looks: who flies, what is deposited, what is read out, what is true."""
