import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.WindowManager;
import ij.plugin.PlugIn;
import ij.plugin.ZProjector;
import ij.process.ImageConverter;

/**
 * Stands in for the plugin's menu command: returns at once, and shows the maximum of all planes,
 * called "Output", some time later. With quality 0 it never shows anything, with quality 1 the stack is closed
 * as a user might close it.
 */
public class EDF_Easy_ implements PlugIn {
    public void run(String arg) {
final ImagePlus stack = WindowManager.getCurrentImage();
        String quality = Macro.getValue(Macro.getOptions(), "quality", "");
        if (quality.contains("1"))
            stack.close();
        if (quality.contains("0") || quality.contains("1"))
            return;
        new Thread(() -> {
            IJ.wait(200);
            ImagePlus output = ZProjector.run(stack, "max");
            new ImageConverter(output).convertToGray32();
            output.setTitle("Output");
            output.show();
        }).start();
    }
}
