"""Three briefs to start from: one click fills the box."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    label: str
    text: str


EXAMPLES = {
    "trees": Example(
        "City plants 300 trees",
        """City council votes to plant 300 trees along the river

The city council voted on Tuesday evening to plant three hundred new trees along the river before next winter.

Gardeners will start in early spring on the east bank, where the last two floods washed away the path. Children from \
four schools near the river will help to dig, and each class will look after one young tree.

The trees are oak, willow and pine. Willows hold the bank together with their roots, and tall oaks will shade the \
benches in summer.

The plan costs 120,000 euros. Half of the money comes from the state, the rest from the city's parks budget.

"In ten years people will walk here in the shade," said the head of the parks department. Residents can suggest more \
streets for trees until the end of the month.""",
    ),
    "soil": Example(
        "Explain soil moisture",
        """Why farmers watch the water in their soil

Soil holds water in the small gaps between its grains. Plants drink from those gaps through their roots, and when they \
are empty, leaves begin to droop.

Sand lets water run through within hours. Clay holds on to it so firmly that roots can hardly pull it out. Most \
farmers like a mixture of both, which stays moist for days after the rain.

Farmers measure moisture with a small sensor in the field. The tractor driver sees the number on a phone and decides \
whether the wheat needs water today.

Watering at night saves a third of the water, because the sun can't take it away. A layer of straw on the ground keeps \
the soil cool and moist for longer.

With a warmer climate, dry weeks come more often. Knowing how wet the soil is helps to use every drop well.""",
    ),
    "museum": Example(
        "Museum reopens",
        """The old harbour museum opens its doors again

After two years of building work the harbour museum opens again on Saturday morning with free entry for everybody.

The old warehouse has a new roof, wide windows towards the sea and a lift to all four floors. Visitors can climb into \
the lighthouse room at the top and look over the whole harbour.

The heart of the museum is a fishing boat from 1911. Two carpenters worked on it for eleven months and replaced every \
second plank.

New rooms tell of the people who lived here: fishers, sailors, dock workers and the families who waited for them. \
Children can steer a model ship through a storm.

The museum is open from Tuesday to Sunday. In the evening a small orchestra plays on the quay.""",
    ),
}
