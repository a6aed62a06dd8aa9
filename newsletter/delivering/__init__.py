"""Delivering: the loop that claims deliveries, hands messages over and settles what came back."""
