"""JivaPay: fiat pay-ins and pay-outs through a network of traders, settled in crypto."""
