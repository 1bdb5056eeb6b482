// Owns the search of /docs: entries without all of the words are hidden, and so are their lines in the contents.

const form = document.querySelector('form[role=search]');
const input = document.querySelector('#search');
const found = document.querySelector('#found');
const entries = [...document.querySelectorAll('.entry')].map((element) => ({
  element,
  text: element.textContent.toLowerCase(),
  line: document.querySelector(`nav a[href="#${CSS.escape(element.id)}"]`)?.parentElement,
}));

function show() {
  const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { element, text, line } of entries) {
    const isShown = wanted.every((word) => text.includes(word));
    element.hidden = !isShown;
    if (line) line.hidden = !isShown;
    if (isShown) count += 1;
  }
  found.textContent = wanted.length === 0 ? '' : `${count} of ${entries.length} entries`;
}

// A link leads to an entry that the search may have hidden.
addEventListener('hashchange', () => {
  const target = document.querySelector(`[id="${CSS.escape(location.hash.slice(1))}"]`);
  if (!target?.hidden) return;
  input.value = '';
  show();
  target.scrollIntoView();
});
form.addEventListener('submit', (event) => event.preventDefault());
input.addEventListener('input', show);
form.hidden = false;
show();
