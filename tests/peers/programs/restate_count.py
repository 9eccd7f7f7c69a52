"""Five durable steps of Restate: a workflow whose steps are recorded one by one in the server's log."""

import restate

STEPS = 5


async def count(number: int) -> int:
    return number + 1


five = restate.Workflow("five")


@five.main()
async def run(ctx: restate.WorkflowContext, number: int) -> int:
    for _ in range(STEPS):
        number = await ctx.run_typed("count", count, number=number)
    return number


app = restate.app([five])
