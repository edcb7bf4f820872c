const SCALE = 2;

/** Draw the SVG that a link leads to at twice its size, for screens that need it, and save it under its `data-png`. */
export async function save(link) {
  const image = new Image();
  image.src = link.href;
  try {
    await image.decode();
  } catch {
    link.textContent = "PNG: no answer, try again";
    return;
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width * SCALE, image.height * SCALE];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const file = document.createElement("a");
  file.href = URL.createObjectURL(await new Promise((done) => canvas.toBlob(done)));
  file.download = link.dataset.png;
  file.click();
  URL.revokeObjectURL(file.href);
  link.textContent = "PNG";
}
