"""`headrace replay --impressions`: lists that users were shown, each ranked before what they chose is learned."""
