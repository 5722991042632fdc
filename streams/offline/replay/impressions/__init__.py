"""`headrace replay --impressions`: lists that users were shown, each ranked before it is learned."""
