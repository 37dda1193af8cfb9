// Loader hook: GitHub's packages import JSON without the attribute that Node asks for.
export async function load(url, context, next) {
  if (!url.endsWith(".json") || context.importAttributes.type === "json") return next(url, context);
  return next(url, { ...context, importAttributes: { ...context.importAttributes, type: "json" } });
}
