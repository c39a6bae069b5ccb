(() => {
  const errors = [];
  const note = (what) => {
    errors.push(String(what));
    document.body.dataset.errors = errors.length;
    document.body.dataset.firstError = errors[0].slice(0, 300);
  };
  document.body.dataset.errors = 0;
  addEventListener("error", (event) => note(event.message || "a resource failed to load"), true);
  addEventListener("unhandledrejection", (event) => note(event.reason));
  addEventListener("securitypolicyviolation", (event) => note(`${event.violatedDirective}: ${event.blockedURI}`));
  const plain = console.error;
  console.error = (...words) => {
    note(words.join(" "));
    plain.apply(console, words);
  };
})();
