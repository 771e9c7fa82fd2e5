// SPDX-License-Identifier: Apache-2.0
// The neuron with a complex state, under a nudge that may be turned: from the exact sum of its inputs to its next state.
// One neuron per cycle.
//
// A pass off the real axis is two: the first makes the real parts of the drives, which wait in a memory; the second makes
// the imaginary ones, and the new states. A real pass makes a drive and a state with no imaginary part at once.
//
//   sum         the inputs, noise (of the first pass), and nudge beta (target - state), of output neurons:
//               factor (target - real) + cross imaginary, with {factor, cross} = beta's {real, imaginary} for real drives
//               and {imaginary, -real} for imaginary ones
//   drive       requantise(sum), in stage 6
//   activation  of both parts (complex_logistic), nine cycles; of a real drive, a table as long
//   state       requantise, in stage 16; what the table says has its format
//
// Stages: state and factors 1, products 2, nudge 3, sum 5 (noise comes in 4). Latency: 16 cycles. The twin is
// src/reference/turned.rs; fractions are aligned by the shifts below, all of them exact.

`default_nettype none

module turned_neuron #(
  parameter TotalWidth = 32,
  parameter DriveWidth = 10,        // signed
  parameter DriveFrac = 7,
  parameter StateWidth = 12,        // signed
  parameter StateFrac = 10,
  parameter Activates = 1,          // 0: a softmax read-out, of which only the drives are looked at
  parameter Output = 0,             // 1: output layer, has a nudge
  parameter BetaWidth = 17,         // signed
  parameter NudgeWidth = 32,
  parameter Noise = 0,              // 1: there is noise
  parameter NoiseWidth = 1,         // of the total's fraction
  parameter SumShift = 0,           // total, noise -> sum
  parameter SumNudgeShift = 0,      // nudge -> sum
  parameter SumWidth = 32,
  parameter DriveShift = 16,        // bits dropped from sum to drive
  parameter DriveRounding = 2,
  parameter DriveOverflow = 1,
  parameter StateRounding = 2,
  parameter StateOverflow = 1,
  parameter TableFile = "none",     // rho of a real drive
  parameter ExponentialFile = "none",
  parameter TrigonometricFile = "none",
  parameter ReciprocalFile = "none"
) (
  input  wire                          clk_i,
  input  wire signed [TotalWidth-1:0]  total_i,
  // A hidden layer has no nudge, a softmax read-out no state.
  /* verilator lint_off UNUSED */
  input  wire signed [StateWidth-1:0]  real_i,         // present state
  input  wire signed [StateWidth-1:0]  imaginary_i,
  input  wire                          target_i,
  input  wire signed [BetaWidth-1:0]   factor_i,       // of the nudge, zero without one
  input  wire signed [BetaWidth-1:0]   cross_i,
  input  wire                          turned_i,       // the pass is one of two
  input  wire                          second_i,       // it is the second of them
  input  wire signed [NoiseWidth-1:0]  noise_i,        // 4 cycles after total_i
  input  wire signed [DriveWidth-1:0]  waiting_i,      // the real drive that has waited, 6 cycles after total_i
  input  wire [31:0]                   drive_random_i, // 5 cycles after total_i
  input  wire [31:0]                   real_random_i,  // one cycle before the state
  input  wire [31:0]                   imaginary_random_i,
  /* verilator lint_on UNUSED */
  output wire signed [DriveWidth-1:0]  drive_o,        // with the state
  output wire signed [DriveWidth-1:0]  imaginary_drive_o,
  output wire signed [StateWidth-1:0]  real_o,
  output wire signed [StateWidth-1:0]  imaginary_o
);

  // Which operands are used depends on the parameters; sums and products are cut to widths that are proven to hold them.
  /* verilator lint_off UNUSED */
  /* verilator lint_off WIDTH */

  localparam DriveStage = 6;
  localparam ActivationCycles = 9;

  // Nudge.
  reg signed [NudgeWidth-1:0] nudge3_q;
  generate
    if (Output != 0) begin : gen_nudge
      reg signed [StateWidth-1:0] real1_q, imaginary1_q;
      reg signed [BetaWidth-1:0] factor1_q, cross1_q;
      reg signed [NudgeWidth-1:0] goal1_q, of_real2_q, of_imaginary2_q;
      wire signed [NudgeWidth-1:0] goal = $signed({{NudgeWidth{factor_i[BetaWidth-1]}}, factor_i}) <<< StateFrac;
      always @(posedge clk_i) begin
        real1_q <= real_i;
        imaginary1_q <= imaginary_i;
        factor1_q <= factor_i;
        cross1_q <= cross_i;
        goal1_q <= target_i ? goal : 0;
        of_real2_q <= goal1_q - factor1_q * real1_q;
        of_imaginary2_q <= cross1_q * imaginary1_q;
        nudge3_q <= of_real2_q + of_imaginary2_q;
      end
    end else begin : gen_no_nudge
      always @(posedge clk_i) nudge3_q <= 0;
    end
  endgenerate

  // Sum and drive.
  reg [3*TotalWidth-1:0] totals_q;
  reg signed [SumWidth-1:0] sum4_q, sum5_q;
  wire signed [TotalWidth-1:0] total3 = totals_q[2*TotalWidth+:TotalWidth];
  wire signed [SumWidth-1:0] total_aligned = $signed({{SumWidth{total3[TotalWidth-1]}}, total3}) <<< SumShift;
  wire signed [SumWidth-1:0] nudge_aligned = $signed({{SumWidth{nudge3_q[NudgeWidth-1]}}, nudge3_q}) <<< SumNudgeShift;
  wire signed [SumWidth-1:0] noise_aligned = $signed({{SumWidth{noise_i[NoiseWidth-1]}}, noise_i}) <<< SumShift;
  always @(posedge clk_i) begin
    totals_q <= {totals_q, total_i};
    sum4_q <= (Output != 0) ? total_aligned + nudge_aligned : total_aligned;
    sum5_q <= (Noise != 0) ? sum4_q + noise_aligned : sum4_q;
  end
  wire [DriveWidth-1:0] drive_d;
  wire drive_saturated;
  requantise #(
    .InWidth(SumWidth), .Shift(DriveShift), .OutWidth(DriveWidth), .OutSigned(1),
    .Rounding(DriveRounding), .Overflow(DriveOverflow)
  ) u_drive (
    .in_i(sum5_q), .random_i(drive_random_i), .out_o(drive_d), .saturated_o(drive_saturated)
  );

  // Which pass, from stage 1 (lowest) on.
  localparam StateStage = DriveStage + ActivationCycles + 1;
  reg [StateStage-2:0] turned_q;
  reg [DriveStage-1:0] second_q;
  reg [DriveWidth-1:0] drive6_q;
  always @(posedge clk_i) begin
    turned_q <= {turned_q, turned_i};
    second_q <= {second_q, second_i};
    drive6_q <= drive_d;
  end
  wire second6 = second_q[DriveStage-1];
  wire [DriveWidth-1:0] real6 = second6 ? waiting_i : drive6_q;
  wire [DriveWidth-1:0] imaginary6 = second6 ? drive6_q : 0;

  // Both parts wait for the state.
  localparam DrivesHeld = StateStage - DriveStage;
  reg [2*DrivesHeld*DriveWidth-1:0] drives_q;
  always @(posedge clk_i) drives_q <= {drives_q, real6, imaginary6};
  assign {drive_o, imaginary_drive_o} = drives_q[2*(DrivesHeld-1)*DriveWidth+:2*DriveWidth];

  generate
    if (Activates != 0) begin : gen_activation
      // Activation.
      localparam FineWidth = 2 * StateFrac + 13;
      wire signed [FineWidth-1:0] real15, imaginary15;
      wire saturated15;
      complex_logistic #(
        .DriveWidth(DriveWidth), .DriveFrac(DriveFrac), .StateFrac(StateFrac), .ExponentialFile(ExponentialFile),
        .TrigonometricFile(TrigonometricFile), .ReciprocalFile(ReciprocalFile)
      ) u_logistic (
        .clk_i(clk_i), .real_i(real6), .imaginary_i(imaginary6), .real_o(real15), .imaginary_o(imaginary15),
        .saturated_o(saturated15)
      );
      wire [StateWidth-1:0] rho7;
      reg [(ActivationCycles-1)*StateWidth-1:0] rhos_q;
      function_table #(.InWidth(DriveWidth), .OutWidth(StateWidth), .File(TableFile)) u_table (
        .clk_i(clk_i), .value_i(drive6_q), .result_o(rho7)
      );
      always @(posedge clk_i) rhos_q <= {rhos_q, rho7};
      wire [StateWidth-1:0] rho15 = rhos_q[(ActivationCycles-2)*StateWidth+:StateWidth];

      // State.
      localparam StateShift = StateFrac + 11;
      wire [StateWidth-1:0] real_d, imaginary_d;
      wire real_saturated, imaginary_saturated;
      requantise #(
        .InWidth(FineWidth), .Shift(StateShift), .OutWidth(StateWidth), .OutSigned(1),
        .Rounding(StateRounding), .Overflow(StateOverflow)
      ) u_real (
        .in_i(real15), .random_i(real_random_i), .out_o(real_d), .saturated_o(real_saturated)
      );
      requantise #(
        .InWidth(FineWidth), .Shift(StateShift), .OutWidth(StateWidth), .OutSigned(1),
        .Rounding(StateRounding), .Overflow(StateOverflow)
      ) u_imaginary (
        .in_i(imaginary15), .random_i(imaginary_random_i), .out_o(imaginary_d), .saturated_o(imaginary_saturated)
      );
      wire turned15 = turned_q[StateStage-2];
      reg signed [StateWidth-1:0] real_q, imaginary_q;
      always @(posedge clk_i) begin
        real_q <= turned15 ? real_d : rho15;
        imaginary_q <= turned15 ? imaginary_d : 0;
      end
      assign {real_o, imaginary_o} = {real_q, imaginary_q};
    end else begin : gen_no_activation
      assign {real_o, imaginary_o} = {2*StateWidth{1'b0}};
    end
  endgenerate

  /* verilator lint_on WIDTH */
  /* verilator lint_on UNUSED */

endmodule

`default_nettype wire
