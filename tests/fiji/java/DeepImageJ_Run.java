import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.Macro;
import ij.WindowManager;
import ij.plugin.PlugIn;

/**
 * Stands in for deepImageJ: adds the channel of distances to that of the image, and returns the
 * slices of its input as a series, as deepImageJ does. Prints the options that it was given. A model
 * called "broken" gives no image.
 */
public class DeepImageJ_Run implements PlugIn {
    public void run(String arg) {
        String options = Macro.getOptions();
        System.out.println("options: " + options);
        if (Macro.getValue(options, "model_path", "").endsWith("broken"))
            return;
        ImagePlus imp = WindowManager.getCurrentImage();
        ImageStack planes = new ImageStack(imp.getWidth(), imp.getHeight());
        for (int slice = 1; slice <= imp.getNSlices(); slice++) {
            float[] image = (float[]) imp.getStack().getPixels(imp.getStackIndex(1, slice, 1));
            float[] dpm = (float[]) imp.getStack().getPixels(imp.getStackIndex(2, slice, 1));
            float[] sum = image.clone();
            for (int i = 0; i < sum.length; i++)
                sum[i] += dpm[i];
            planes.addSlice("", sum);
        }
        ImagePlus result = new ImagePlus("output", planes);
        result.setDimensions(1, 1, planes.getSize());
        result.show();
    }
}
