// Turns every colour of a document to its dark side, as Outlook on the web does: the lightness of CIE Lab is turned
// round, between white and the grey #333 that stands for the darkest ground. Pictures stay as they are.
(() => {
  const DARKEST = 21.247;
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const gamma = (c) => (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);
  const f = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const g = (t) => (t ** 3 > 0.008856 ? t ** 3 : (t - 16 / 116) / 7.787);

  function toLab([red, green, blue]) {
    const [r, gr, b] = [red, green, blue].map((c) => linear(c / 255));
    const x = f((0.4124 * r + 0.3576 * gr + 0.1805 * b) / 0.95047);
    const y = f(0.2126 * r + 0.7152 * gr + 0.0722 * b);
    const z = f((0.0193 * r + 0.1192 * gr + 0.9505 * b) / 1.08883);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  }

  function toRgb([lightness, a, b]) {
    const fy = (lightness + 16) / 116;
    const [x, y, z] = [0.95047 * g(fy + a / 500), g(fy), 1.08883 * g(fy - b / 200)];
    return [
      3.2406 * x - 1.5372 * y - 0.4986 * z, -0.9689 * x + 1.8758 * y + 0.0415 * z, 0.0557 * x - 0.204 * y + 1.057 * z,
    ].map((c) => Math.round(255 * Math.min(1, Math.max(0, gamma(Math.min(1, Math.max(0, c)))))));
  }

  function turned(colour) {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
    if (alpha === 0) return colour;
    const [lightness, a, b] = toLab([red, green, blue]);
    const dark = (100 - lightness) * ((100 - DARKEST) / 100) + DARKEST;
    return `rgba(${toRgb([dark, a, b]).join(", ")}, ${alpha})`;
  }

  const PROPERTIES = ["color", "background-color", "border-top-color", "border-right-color", "border-bottom-color",
    "border-left-color"];
  const elements = [...document.querySelectorAll("html, body, body *:not(img)")];
  const before = elements.map((element) => {
    const style = getComputedStyle(element);
    return PROPERTIES.map((property) => style.getPropertyValue(property));
  });
  elements.forEach((element, place) => PROPERTIES.forEach((property, which) => {
    element.style.setProperty(property, turned(before[place][which]), "important");
  }));
  if (before[0][1] === "rgba(0, 0, 0, 0)") {
    document.documentElement.style.setProperty("background-color", turned("rgb(255, 255, 255)"), "important");
  }
})();
