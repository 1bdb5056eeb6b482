// Owns how text becomes HTML: escaped, and with the little Markdown that descriptions use.

export type Html = { readonly html: string };

export const NOTHING: Html = { html: '' };

/** What is put in is escaped, but for what is HTML already; a list is joined. */
export function html(
  parts: TemplateStringsArray,
  ...values: (string | number | Html | readonly Html[])[]
): Html {
  const filled = values.map((value) => {
    if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
    return 'html' in value ? value.html : value.map((part) => part.html).join('');
  });
  return { html: String.raw({ raw: parts }, ...filled) };
}

/** `code` and [links](to) of a description. */
export function words(text: string): Html {
  return {
    html: escaped(text)
      .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
      .replaceAll(/\[([^\]]+)\]\(([\w./#-]+)\)/g, '<a href="$2">$1</a>'),
  };
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
