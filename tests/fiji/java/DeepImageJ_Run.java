import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.Macro;
import ij.WindowManager;
import ij.plugin.PlugIn;
import javax.swing.SwingUtilities;

/**
 * Stands in for deepImageJ 3.1: adds the channel of distances to that of the image, and shows the
 * slices of its input as a time series. As there, this happens on the thread of events after the
 * command has returned; until then the input is the current image. Prints its options. A model called
 * "broken" gives no image.
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
        ImagePlus result = new ImagePlus(imp.getTitle() + "_output", planes);
        result.setDimensions(1, 1, planes.getSize());
        SwingUtilities.invokeLater(() -> {
            IJ.wait(100);
            result.show();
        });
    }
}
