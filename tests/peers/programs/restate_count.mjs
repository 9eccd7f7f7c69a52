// Five durable steps of Restate: a workflow whose steps are recorded one by one in the server's log.
import * as restate from "@restatedev/restate-sdk";

const STEPS = 5;

// Node 20 does not have it yet, and the library uses it.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

const five = restate.workflow({
  name: "five",
  handlers: {
    run: async (ctx, number) => {
      for (let step = 0; step < STEPS; step += 1) {
        const before = number;
        number = await ctx.run("count", () => before + 1);
      }
      return number;
    },
  },
});

restate.serve({ services: [five], port: Number(process.env.PORT) });
