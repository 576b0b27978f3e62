"""Parts of the plan: goal, options in time, programme, what holds it back, front, words."""
