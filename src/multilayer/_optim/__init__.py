"""Update rules and learning-rate schedules, their numbers traced."""
